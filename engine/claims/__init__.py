"""What the source documents claim, beside what stored runs and plain arithmetic say."""
