"""What ties running solutions to the store: journals, group commits, leases, readers."""
