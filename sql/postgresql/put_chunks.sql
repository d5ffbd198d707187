COPY model_chunks (name, version, seq, data) FROM STDIN (FORMAT binary)
