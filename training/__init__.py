"""Problems, traces, curriculum, training and evaluation of State-Transition Reasoners."""
