/** A speaker's number on its colour; the name stands beside it, colour alone says nothing. */
export function VoiceMark({ number, colour }: { number: number; colour: number }) {
  return (
    <span className={`voice-mark voice-${colour}`} aria-hidden="true">
      {number}
    </span>
  );
}
