"""What offloading costs and gives, beside the resident model and accelerate: ``make bench-moe``."""
