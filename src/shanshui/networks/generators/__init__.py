"""Scene generators: latent -> scene."""
