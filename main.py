"""The image's entry point, which runs the same code as the console script `source-magnific-analytics`."""

from source_magnific_analytics.run import run

if __name__ == "__main__":
    run()
