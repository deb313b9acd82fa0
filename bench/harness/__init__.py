"""What scripts/bench is made of: rows, the programs and namespaces that they need, the report."""
