import { type KeyboardEvent, type PointerEvent, useEffect, useRef } from 'react';
import { onColoursChange } from '../../components/theme';
import { formatOffset } from '../../format';
import type { Waveform as Peaks } from '../../services/videos';
import { type Player, usePlayer } from './player';

const STEP_MS = 5_000;
const BAR_PX = 3;
const GAP_PX = 1;
const LEVEL_MAX = 128;

export interface Tick {
  ms: number;
  kind: 'hit' | 'found';
}

interface WaveformProps {
  peaks: Peaks | undefined;
  durationMs: number;
  ticks: readonly Tick[];
  player: Player;
}

/** The loudest of each bar's buckets, 0 to 1, so that no peak is lost in a narrow window. */
export function barsOf(peaks: Peaks, count: number): number[] {
  const buckets = peaks.max.length;
  const bars: number[] = [];
  for (let bar = 0; bar < count; bar += 1) {
    const from = Math.floor((bar * buckets) / count);
    const to = Math.max(from + 1, Math.floor(((bar + 1) * buckets) / count));
    let level = 0;
    for (let i = from; i < to && i < buckets; i += 1) {
      level = Math.max(level, peaks.max[i] ?? 0, -(peaks.min[i] ?? 0));
    }
    bars.push(level / LEVEL_MAX);
  }
  return bars;
}

function draw(canvas: HTMLCanvasElement, peaks: Peaks): void {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = devicePixelRatio;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext('2d');
  if (!context || width === 0) return;
  context.scale(scale, scale);
  context.fillStyle = getComputedStyle(canvas).color;
  const bars = barsOf(peaks, Math.floor(width / (BAR_PX + GAP_PX)));
  bars.forEach((level, index) => {
    const tall = Math.max(1.5, level * (height - 4));
    context.fillRect(index * (BAR_PX + GAP_PX), (height - tall) / 2, BAR_PX, tall);
  });
}

export function Waveform({ peaks, durationMs, ticks, player }: WaveformProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const played = useRef<HTMLDivElement>(null);
  const second = usePlayer(player, (p) => Math.floor(p.timeMs / 1000));

  useEffect(() => {
    const element = canvas.current;
    if (!element || !peaks) return;
    const redraw = () => draw(element, peaks);
    const observer = new ResizeObserver(redraw);
    observer.observe(element);
    const stop = onColoursChange(redraw);
    return () => {
      observer.disconnect();
      stop();
    };
  }, [peaks]);

  // The playhead moves with every frame, past React.
  useEffect(() => {
    const move = () => {
      const fraction = durationMs > 0 ? Math.min(1, player.timeMs / durationMs) : 0;
      if (played.current) played.current.style.transform = `translateX(${fraction * 100}%)`;
    };
    move();
    return player.subscribe(move);
  }, [player, durationMs]);

  const seek = (event: PointerEvent<HTMLDivElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    player.seek(((event.clientX - box.left) / box.width) * durationMs);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const to = {
      ArrowLeft: player.timeMs - STEP_MS,
      ArrowRight: player.timeMs + STEP_MS,
      Home: 0,
      End: durationMs,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    player.seek(to);
  };
  return (
    <div
      className="waveform"
      role="slider"
      tabIndex={0}
      aria-label="Position"
      aria-valuemin={0}
      aria-valuemax={Math.round(durationMs / 1000)}
      aria-valuenow={second}
      aria-valuetext={`${formatOffset(second * 1000)} of ${formatOffset(durationMs)}`}
      onKeyDown={onKeyDown}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        seek(event);
      }}
      onPointerMove={(event) => event.buttons === 1 && seek(event)}
    >
      <canvas ref={canvas} className="waveform-peaks" />
      <div className="waveform-ticks" aria-hidden="true">
        {ticks.map(({ ms, kind }) => (
          <span
            key={`${kind}${ms}`}
            className={`tick tick-${kind}`}
            style={{ left: `${(ms / Math.max(1, durationMs)) * 100}%` }}
          />
        ))}
      </div>
      <div className="waveform-played" ref={played} aria-hidden="true" />
    </div>
  );
}
