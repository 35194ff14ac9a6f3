from cpipe_check.cli import main

main()
