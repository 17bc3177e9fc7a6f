"""The pocket family: three tiny models, the desk work they do, and the means to train them again."""
