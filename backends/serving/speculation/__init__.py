"""Guesses what answers go on with, so that one step writes several tokens where the guesses are right.

Decides only how many tokens are guessed and which; what stands is drawn by the writer from the logits
of each position, so guesses change when tokens come and never which (Leviathan et al. 2023, "Fast
Inference from Transformers via Speculative Decoding", for the special case of sure guesses).
"""
