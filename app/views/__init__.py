"""One short page script per question of an operator."""
