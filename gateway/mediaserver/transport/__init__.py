"""How packets reach a browser: UDP, ICE-lite, DTLS and SRTP."""
