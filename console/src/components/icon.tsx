// Our own few icons, on a 24-pixel grid, drawn with strokes in the colour of the text.
const PATHS = {
  search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M16.2 16.2 21 21',
  library: 'M4 5h16v14H4zM4 9h16M8 5v4M16 5v4M10.5 12v4l3.5-2z',
  jobs: 'M4 6h9M4 12h16M4 18h6M17 6h3M14 18h6',
  settings: 'M4 7h10M18 7h2M4 17h2M10 17h10M16 5v4M8 15v4',
  play: 'M7 4.5v15l12-7.5z',
  pause: 'M8 5v14M16 5v14',
  back: 'M14.5 5 7.5 12l7 7',
  forward: 'M9.5 5l7 7-7 7',
  up: 'M5 14.5 12 7.5l7 7',
  down: 'M5 9.5l7 7 7-7',
  quote: 'M9.5 7C6.5 8 5 10.5 5 14v3h5v-5H7.5M18.5 7c-3 1-4.5 3.5-4.5 7v3h5v-5h-2.5',
  link:
    'M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7l-1 1' +
    'M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1',
  upload: 'M12 16V4M7 9l5-5 5 5M4 16v4h16v-4',
  download: 'M12 4v12M7 11l5 5 5-5M4 18v2h16v-2',
  close: 'M6 6l12 12M18 6 6 18',
  check: 'M5 12.5 10 17.5 19 7',
  alert: 'M12 4 2.5 20h19zM12 10v5M12 17.5v.1',
  retry: 'M20 5v5h-5M20 10a8 8 0 1 0 .5 4',
  trash: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.5 11v5M13.5 11v5',
  more:
    'M5 10.7a1.3 1.3 0 1 0 0 2.6 1.3 1.3 0 0 0 0-2.6' +
    'M12 10.7a1.3 1.3 0 1 0 0 2.6 1.3 1.3 0 0 0 0-2.6' +
    'M19 10.7a1.3 1.3 0 1 0 0 2.6 1.3 1.3 0 0 0 0-2.6',
  filter: 'M4 6h16M7 12h10M10 18h4',
  volume: 'M4 9.5v5h3.5l4.5 4v-13l-4.5 4zM15.5 9a4.5 4.5 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11',
  muted: 'M4 9.5v5h3.5l4.5 4v-13l-4.5 4zM16 10l4.5 4.5M20.5 10 16 14.5',
  expand: 'M9 4H4v5M15 4h5v5M9 20H4v-5M15 20h5v-5',
  open: 'M9 5h10v10M19 5 6 18',
  sun:
    'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2' +
    'M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4',
  moon: 'M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10',
  system: 'M4 5h16v11H4zM9 20h6M12 16v4',
  lines: 'M4 7h16M4 12h10M4 17h13',
  feed: 'M5 5a14 14 0 0 1 14 14M5 11a8 8 0 0 1 8 8M6 18h.1',
  folder: 'M3.5 6h6l2 2.5h9V19h-17z',
  key: 'M15 4a5 5 0 1 0 0 10 5 5 0 0 0 0-10M11.5 12.5 4 20h4v-3h3M16 8h.1',
  follow: 'M12 4v13M6.5 11.5 12 17l5.5-5.5M5 20.5h14',
  sound: 'M5 10v4M9 7v10M13 4v16M17 8v8M21 11v2',
  people:
    'M9 5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7M2.5 20c.4-4 3-6 6.5-6s6.1 2 6.5 6' +
    'M16 5.5a3.5 3.5 0 0 1 0 6.3M18 14.5c2 .8 3.2 2.6 3.5 5.5',
  person: 'M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8M4.5 20.5c.5-4.3 3.5-6.5 7.5-6.5s7 2.2 7.5 6.5',
  edit: 'M4 20l1-4.5L16.5 4 20 7.5 8.5 19zM13.5 7l3.5 3.5',
  undo: 'M8.5 5 4 9.5 8.5 14M4 9.5h10a5.5 5.5 0 0 1 0 11h-4',
  merge: 'M5 4v3c0 4 7 4 7 8v5M19 4v3c0 4-7 4-7 8M8.5 16.5 12 20l3.5-3.5',
  split: 'M12 20v-6c0-4-6.5-4-6.5-9.5M12 14c0-4 6.5-4 6.5-9.5M2.5 7.5l3-3 3 3M15.5 7.5l3-3 3 3',
  ear:
    'M6.5 9.5a5.5 5.5 0 0 1 11 0c0 4-3.5 4.5-3.5 8a3 3 0 0 1-5.5 1.5' +
    'M9.5 10a2.5 2.5 0 0 1 5 0c0 2-2 2-2 3.5',
  keyboard: 'M3 7h18v11H3zM7 11h.1M11 11h.1M15 11h.1M8 14.5h8',
} as const;

export type IconName = keyof typeof PATHS;

const FILLED: ReadonlySet<IconName> = new Set<IconName>(['play', 'more']);

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg
      className="icon"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill={FILLED.has(name) ? 'currentColor' : 'none'}
      stroke="currentColor"
      strokeWidth="1.8"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
