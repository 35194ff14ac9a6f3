from cpipe_bot.cli import main

main(prog_name="cpipe-bot")
