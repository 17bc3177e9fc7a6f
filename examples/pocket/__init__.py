"""The pocket family: three tiny models, the desk work they are trained on, and the means to train them again."""
