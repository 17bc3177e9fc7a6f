"""Which engines may read an element, and what is predicted of each."""
