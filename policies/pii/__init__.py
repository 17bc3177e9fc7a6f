"""Personal data in a text: clear patterns with check digits, no model.

Pure, and linear in the length of the text: every pattern is bounded, and what a pattern finds is checked
where the kind has check digits. Names, postal addresses and what else only a reader could tell are not
looked for.
"""
