"""Fine-tuning of pretrained models in the curriculum's two stages, with TRL's trainers."""
