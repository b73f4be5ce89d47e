/*
 * A model of rotating refresh tokens: jobs, the store that they share, and Bitbucket. README.md explains it.
 *
 * JOBS says how many jobs there are. CRASHES, LOST_ANSWERS, FAILED_SAVES, SUSPENSIONS and FULL_DISKS say how often each fault
 * may happen. The other names switch something on:
 *
 * LOCK           The store is a file, and a job locks it.
 * SERIAL         The store is a variable of a CI, and the CI runs one of these jobs at a time.
 * READ_ONLY      The store can never be written.
 * UNSTEADY       The store becomes read-only and writable again at any moment.
 * ONE_SUCCESSOR  If a token is used again, Bitbucket stops accepting the successor that it issued before.
 * NO_RERUN       After a failed run, nobody runs the job again before the grace period is over.
 * BLIND_SAVE     Seeded bug: a job saves without looking what is in the store.
 * NO_CHECK       Seeded bug: a job does not check the store before it spends a token.
 */
#define TOKENS (JOBS * 2 + 1) /* a run sends its refresh at most twice: it retries after a lost answer */
#define NOBODY 255
#define NONE 255

/* Bitbucket. The grace period of a token begins with its first use. */
byte issued = 1;
bool used[TOKENS];
bool ended[TOKENS];
byte successor[TOKENS];
#define accepted(token) (token < issued && !ended[token])

/* The store. Token 0 is in it at the beginning. */
byte stored = 0;
#ifdef READ_ONLY
bool writable = false;
#else
bool writable = true;
#endif

/* The tokens that were handed over to a person or to a later step of the job. */
bool handedOver[TOKENS];

/* Who has the lock of the file, or the turn in the queue of the CI. */
byte holder = NOBODY;

/* The run that used a token first, while it lasts; and whether a successor of the token is in a place. */
byte spender[TOKENS];
bool settled[TOKENS];

byte crashes, lostAnswers, failedSaves, suspensions, fullDisks;

/* The invariant: Bitbucket accepts at least one token that is in the store or was handed over. */
bool found;
inline assertInvariant() {
  found = accepted(stored);
  token = 0;
  do
  :: token < issued -> found = found || (handedOver[token] && accepted(token)); token++
  :: else -> break
  od;
  token = 0;
  assert(found)
}

#define mayCrash if :: crashes < CRASHES -> crashes++; printf("job %d is killed\n", _pid); goto over :: true fi

/* A holder that is suspended for more than ten seconds loses the lock to another machine, and continues later. */
#define maySuspend if :: suspensions < SUSPENSIONS && holder == _pid -> suspensions++; holder = NOBODY; printf("job %d is suspended and loses the lock\n", _pid) :: true fi

/* A file can be compared with the token that the job has spent. A variable of a CI cannot be read. */
#if defined(LOCK) && !defined(BLIND_SAVE)
#define isReplaced (stored != mine && stored != next)
#else
#define isReplaced false
#endif

proctype Job() {
  byte mine, next, token;
  bool isSecondTry, isSecondSave;

#if defined(LOCK) || defined(SERIAL)
  atomic { holder == NOBODY -> holder = _pid };
#endif
  mayCrash;
#ifndef NO_CHECK
  if
  :: writable
  :: !writable -> printf("job %d stops because the store is read-only\n", _pid); goto over
  fi;
#endif
  mine = stored;
  printf("job %d loads token %d\n", _pid, mine);
  mayCrash;
  maySuspend;

send:
  atomic {
    if
    :: !accepted(mine) -> printf("Bitbucket refuses token %d of job %d\n", mine, _pid); goto over
    :: accepted(mine) ->
      if :: !used[mine] -> used[mine] = true; spender[mine] = _pid :: else fi;
#ifdef ONE_SUCCESSOR
      if :: successor[mine] != 0 && !used[successor[mine]] -> ended[successor[mine]] = true :: else fi;
#endif
      next = issued;
      issued++;
      successor[mine] = next;
#ifdef READ_ONLY
      printf("job %d spends token %d, and the store is read-only\n", _pid, mine);
      assert(false); /* The second invariant: no token is spent if the store cannot take its successor. */
#endif
      if
      :: printf("Bitbucket takes token %d of job %d and issues token %d\n", mine, _pid, next)
      :: lostAnswers < LOST_ANSWERS ->
        lostAnswers++;
        printf("Bitbucket takes token %d of job %d, and token %d is lost on the way\n", mine, _pid, next);
        next = NONE
      fi
    fi
  };
  mayCrash;
  if
  :: next == NONE && !isSecondTry -> isSecondTry = true; goto send
  :: next == NONE && isSecondTry -> goto over
  :: else
  fi;
  maySuspend;

save:
  atomic {
    if
    :: isReplaced -> settled[mine] = true; printf("job %d leaves token %d in the store, because another job has saved it\n", _pid, stored); goto over
    :: !isReplaced && writable -> stored = next; settled[mine] = true; printf("job %d saves token %d\n", _pid, next); assertInvariant(); goto over
    :: !isReplaced && writable && failedSaves < FAILED_SAVES -> failedSaves++; stored = next; printf("job %d saves token %d, but gets an error\n", _pid, next); assertInvariant()
    :: !isReplaced && failedSaves < FAILED_SAVES -> failedSaves++; printf("job %d cannot save token %d\n", _pid, next)
    :: !isReplaced && !writable -> printf("job %d cannot save token %d, because the store is read-only\n", _pid, next)
    fi
  };
  mayCrash;
  maySuspend;
  if
  :: !isSecondSave -> isSecondSave = true; goto save
  :: else
  fi;
  atomic {
    if
    :: handedOver[next] = true; settled[mine] = true; printf("job %d hands token %d over\n", _pid, next)
    :: fullDisks < FULL_DISKS -> fullDisks++; printf("job %d cannot hand token %d over\n", _pid, next)
    fi
  };

over:
  atomic {
    token = 0;
    do
    :: token < TOKENS -> if :: spender[token] == _pid -> spender[token] = NOBODY :: else fi; token++
    :: else -> break
    od;
    token = 0;
    if :: holder == _pid -> holder = NOBODY :: else fi
  }
}

/*
 * A grace period ends at any moment after the run that began it, because a run takes at most about a minute and the grace
 * period ten minutes. Without NO_RERUN it ends only after a successor of the token is in a place.
 */
#ifdef NO_RERUN
#define isOver(token) (used[token] && !ended[token] && spender[token] == NOBODY)
#else
#define isOver(token) (used[token] && !ended[token] && spender[token] == NOBODY && settled[token])
#endif

active proctype Clock() {
  byte token;
  do
  :: atomic {
    select (token : 0 .. TOKENS - 1);
    if
    :: isOver(token) ->
      ended[token] = true; printf("the grace period of token %d ends\n", token); assertInvariant()
    :: else
    fi;
    token = 0
  }
  od
}

#ifdef UNSTEADY
active proctype Disk() {
  do
  :: writable -> writable = false; printf("the store becomes read-only\n")
  :: !writable -> writable = true; printf("the store becomes writable\n")
  od
}
#endif

init {
  byte token;
  atomic {
    do
    :: token < TOKENS -> spender[token] = NOBODY; token++
    :: else -> break
    od;
    token = 0;
    do
    :: token < JOBS -> run Job(); token++
    :: else -> break
    od
  }
}
