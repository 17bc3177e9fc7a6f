"""Guarantees: what a policy loses against always asking the top tier, proved on labels and watched.

Arithmetic on losses alone. Refuses to know tiers, prompts and how losses came about; D is always
the top tier's quality less the quality that was served, in [-1, 1], and 0 where the top served.
"""
