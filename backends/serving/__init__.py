"""What engines that write many answers at once have in common, whatever library computes the tokens.

``work`` says what is asked and told, ``scheduler`` whose turn it is, ``runner`` carries answers through
steps, ``prefixes`` spares what was read before, ``speculation`` guesses ahead. An engine adds a memory, a
batch and a writer; see ``parts``.
"""
