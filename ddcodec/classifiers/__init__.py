"""Teachers and students. Importing this package does not import torch; its modules do."""
