from cpipe_bot.cli import main

# A process that is spawned imports it once more.
if __name__ == "__main__":
    main(prog_name="cpipe-bot")
