"""How a cluster behaves: every request simulated, in slices that end where decisions are taken."""
