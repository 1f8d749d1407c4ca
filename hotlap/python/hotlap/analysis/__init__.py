"""What a run says: judged anew each time it is read, from evidence that measuring left whole."""
