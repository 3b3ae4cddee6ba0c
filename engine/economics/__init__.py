"""What switching policy costs, saves and emits over years, on stated assumptions."""
