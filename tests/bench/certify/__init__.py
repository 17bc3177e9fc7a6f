"""How often certificates break their word, what they save, and how soon a broken one is noticed."""
