"""Titles and descriptions of proposals, two by two: of one problem in other words, and of two that sound alike.

Written before anything was measured on them.
"""

SAME = (
    (
        (
            "VPN drops after the laptop wakes up",
            "The tunnel is lost after sleep; restarting the client brings it back.",
        ),
        (
            "VPN client disconnects when resuming from sleep",
            "After standby the connection is gone until the client restarts.",
        ),
    ),
    (
        (
            "Printer shows as offline",
            "The queue says offline though the device is on; removing and adding the port helps.",
        ),
        (
            "Network printer offline in Windows",
            "The printer is on, Windows calls it offline; a new TCP/IP port solves it.",
        ),
    ),
    (
        ("Mailbox rule does not move messages", "A rule in Outlook stops working; a full rule quota is the cause."),
        (
            "Outlook inbox rule stopped moving mail",
            "Rules are no longer applied because the quota for rules is used up.",
        ),
    ),
    (
        ("Invoice charged twice", "A customer was billed two times for one month and wants the money back."),
        ("Duplicate charge on the monthly bill", "The same invoice was paid twice; the second payment is refunded."),
    ),
    (
        (
            "Build fails: dependency cannot be resolved",
            "The lock file names a version that was withdrawn; a new lock file helps.",
        ),
        (
            "CI build breaks on a missing package version",
            "A pinned dependency no longer exists; refresh the lock file.",
        ),
    ),
    (
        ("Database refuses connections", "The pool is exhausted; idle sessions are closed and the limit is raised."),
        (
            "Too many connections to the database",
            "All slots are taken by idle clients; end them and lower the pool size.",
        ),
    ),
    (
        (
            "User locked out of Active Directory account",
            "Too many wrong passwords lock the account; a saved one on the phone is the cause.",
        ),
        (
            "Account keeps getting locked out",
            "An old password stored on a mobile device locks the AD account again and again.",
        ),
    ),
    (
        (
            "Two-factor codes are rejected",
            "The phone's clock is wrong; setting the time automatically makes the codes valid.",
        ),
        ("Authenticator code invalid at sign-in", "One-time codes fail because the time of the phone has drifted."),
    ),
    (
        ("Teams has no sound in meetings", "The wrong output device is selected; choose the headset."),
        (
            "No audio in Microsoft Teams calls",
            "Sound goes to another speaker; pick the headset in the device settings.",
        ),
    ),
    (
        ("Nightly backup job fails", "The target volume is full; old restore points are pruned."),
        ("Backup does not finish: destination out of space", "Free the repository by deleting expired restore points."),
    ),
    (
        ("Laptop battery drains quickly", "A process keeps the processor busy; after an update it is quiet."),
        ("Notebook battery empty after an hour", "Background process uses the CPU all the time; updating it helps."),
    ),
    (
        ("Virtual machine does not start", "A snapshot is left over and locked; consolidating the disks helps."),
        (
            "VM power-on fails because of a locked snapshot",
            "Consolidate disks to remove the stale snapshot, then start.",
        ),
    ),
)
"""Pairs that ought to be one proposal."""

DIFFERENT = (
    (
        (
            "VPN drops after the laptop wakes up",
            "The tunnel is lost after sleep; restarting the client brings it back.",
        ),
        ("VPN rejects the password", "The directory password has expired; a new one must be set before dialling in."),
    ),
    (
        (
            "Printer shows as offline",
            "The queue says offline though the device is on; removing and adding the port helps.",
        ),
        ("Printer prints blank pages", "The toner seal was left on the cartridge; taking it off helps."),
    ),
    (
        ("Mailbox rule does not move messages", "A rule in Outlook stops working; a full rule quota is the cause."),
        ("Shared mailbox is missing in Outlook", "Automapping is off; adding the mailbox by hand shows it."),
    ),
    (
        ("Invoice charged twice", "A customer was billed two times for one month and wants the money back."),
        (
            "Invoice shows the wrong tax rate",
            "The billing address changed countries; correct it and issue the invoice anew.",
        ),
    ),
    (
        (
            "Build fails: dependency cannot be resolved",
            "The lock file names a version that was withdrawn; a new lock file helps.",
        ),
        ("Build fails: disk of the runner is full", "Old images fill the disk of the build machine; prune them."),
    ),
    (
        ("Database refuses connections", "The pool is exhausted; idle sessions are closed and the limit is raised."),
        (
            "Database queries are slow after the upgrade",
            "Statistics were lost; analysing the tables brings the plans back.",
        ),
    ),
    (
        (
            "User locked out of Active Directory account",
            "Too many wrong passwords lock the account; a saved one on the phone is the cause.",
        ),
        (
            "New user is missing from an Active Directory group",
            "The group is filled by a nightly sync; run it by hand.",
        ),
    ),
    (
        (
            "Two-factor codes are rejected",
            "The phone's clock is wrong; setting the time automatically makes the codes valid.",
        ),
        ("Lost phone with the authenticator", "A new device is registered after the identity was checked."),
    ),
    (
        ("Teams has no sound in meetings", "The wrong output device is selected; choose the headset."),
        ("Teams camera is black in meetings", "Another program uses the camera; close it."),
    ),
    (
        ("Nightly backup job fails", "The target volume is full; old restore points are pruned."),
        ("Restore from backup is refused", "The key of the encrypted backup is missing; import it first."),
    ),
    (
        ("Laptop battery drains quickly", "A process keeps the processor busy; after an update it is quiet."),
        ("Laptop does not charge", "The dock gives too little power; the supplied charger works."),
    ),
    (
        ("Virtual machine does not start", "A snapshot is left over and locked; consolidating the disks helps."),
        ("Virtual machine has no network", "The adapter is in the wrong port group; move it."),
    ),
    (
        ("Enable remote desktop for a user", "The user is added to the group that may connect."),
        ("Disable remote desktop for a user", "The user is taken out of the group that may connect."),
    ),
    (
        (
            "Wi-Fi password is not accepted",
            "The certificate of the network has changed; forget the network and join anew.",
        ),
        ("Wi-Fi is slow in the meeting rooms", "Too many devices share one access point; a second one is switched on."),
    ),
    (
        ("Cloud bill went up suddenly", "A forgotten test cluster was running; it is deleted."),
        ("Cloud storage bucket is public", "The policy allows everyone; block public access."),
    ),
)
"""Pairs of one domain that ought to stay two."""
