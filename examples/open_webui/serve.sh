#!/usr/bin/env bash
# Open WebUI, from its package, in front of a running service: serve.sh [URL] [PORT]
#   pip install open-webui        # Python 3.11 or 3.12, an environment of its own, 7 GB
# The service's key, if it asks for one, is $STATEWISE_API_KEY. Its data go to $DATA_DIR (by default ~/.local/share/open-webui-statewise). Without accounts: for one person on one machine.
set -euo pipefail

url=${1:-http://127.0.0.1:8000}
port=${2:-3000}

export DATA_DIR=${DATA_DIR:-$HOME/.local/share/open-webui-statewise}
export WEBUI_AUTH=${WEBUI_AUTH:-False}
export OPENAI_API_BASE_URL=$url/v1
export OPENAI_API_KEY=${STATEWISE_API_KEY:-none}
export ENABLE_OLLAMA_API=False
# Titles, tags and follow-up questions are errands for another model. The service answers them with a
# few harmless words; they cost a short generation each.
export ENABLE_TITLE_GENERATION=${ENABLE_TITLE_GENERATION:-False}
export ENABLE_TAGS_GENERATION=${ENABLE_TAGS_GENERATION:-False}
export ENABLE_FOLLOW_UP_GENERATION=${ENABLE_FOLLOW_UP_GENERATION:-False}
# No downloads: it would fetch a model that turns documents into vectors.
export OFFLINE_MODE=True HF_HUB_OFFLINE=1
export RAG_EMBEDDING_ENGINE=openai BYPASS_EMBEDDING_AND_RETRIEVAL=True

mkdir -p "$DATA_DIR"
DATA_DIR=$(cd "$DATA_DIR" && pwd)
cd "$DATA_DIR"  # where it runs it writes the key that it signs sessions with
exec open-webui serve --host 127.0.0.1 --port "$port"
