"""The service: request → engine → text → reader → events → bytes."""
