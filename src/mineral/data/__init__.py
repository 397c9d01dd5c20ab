"""Data: the table of penguins of the demonstration, and MNIST where it is on this machine."""
