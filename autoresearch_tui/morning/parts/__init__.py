"""What a night comes to, part by part: pure, and for every form the same."""
