"""What to do about demand: one policy per file, all behind the protocol in `base`."""
