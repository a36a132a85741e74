"""Network devices over SSH: what they run is read, compared, and changed with a way back."""
