"""From a source of pictures to an artifact: options, the run of an encode, labels."""
