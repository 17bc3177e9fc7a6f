"""What an answer tells about being right: one file a signal family, listed in ``policies.registry``."""
