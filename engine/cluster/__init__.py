"""What is under the workers, tick by tick: nodes, power, grids, emissions and money."""
