"""What a browser offers and what it is answered (SDP, RFC 8866 and RFC 8829)."""
