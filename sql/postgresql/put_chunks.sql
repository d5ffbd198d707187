COPY model_chunks (name, version, seq, data, sha256) FROM STDIN (FORMAT binary)
