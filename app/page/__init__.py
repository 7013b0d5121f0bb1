"""The web page at `/`: plain HTML, CSS and ES modules in `static/`, served as they are."""
