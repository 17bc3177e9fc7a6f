"""The local tier: mixtures of experts, and other causal models, computed by transformers from safetensors.

With ``offload`` experts lie elsewhere until they are needed::

    checkpoint --experts/quantizer--> rows (store/) --experts/movers--> slots --experts/step--> outputs

``offloading`` puts the parts together, ``traces`` says how experts recur, ``bound`` how fast it can be.
"""
