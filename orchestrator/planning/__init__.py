"""Pure decisions: slices, plan, order, guard, capacity."""
