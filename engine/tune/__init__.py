"""The best parameters of a rule-based policy for a trace and its SLOs, and what moves them."""
