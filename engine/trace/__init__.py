"""Outside files become checked, canonical rows here; nothing else reads files of operators."""
