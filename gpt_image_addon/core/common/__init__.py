"""What every part needs: files, paths, threads, processes and secrets."""
