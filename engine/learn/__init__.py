"""The allocator that learns: what it sees, what it may do, its rewards, its training."""
