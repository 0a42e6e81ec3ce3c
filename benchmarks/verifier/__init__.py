"""How the shipped verifier was made: its training pairs, the encoder, its export."""
