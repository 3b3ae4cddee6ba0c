"""What only bounds may do: look into the future, start workers at once, search for plans."""
