"""What people are told of: a list of their own, and what is on its way to them through channels."""
