"""What the subcommands do: a small function each, which takes its options and returns the exit code. Heavy imports stand inside them."""
