"""Documents: split into elements, each read by the cheapest engine that can be trusted, checked, merged.

``parse`` finds the elements, ``route`` says which engines may read each and predicts them, the pure policies
decide, ``engines`` read, ``verify`` judges, ``pipeline`` runs the loop, ``output`` writes what came of it.
"""
