# SPDX-License-Identifier: MIT
# Draws what the commands in gaussian-rbf.md wrote: gnuplot docs/explanation/gaussian-rbf.gp > docs/explanation/gaussian-rbf.svg
set terminal svg size 960,400 font 'sans-serif,13' background 'white' dynamic
set datafile separator ','
set multiplot layout 1,2
set xlabel 'step of 32 digits'
set grid ytics lc rgb '#DDDDDD'
set xrange [0:5625]
set xtics 1000
set key top right
set logscale y
set format y '%g'
set ylabel "loss"
set yrange [0.003:2]
plot 'e1.csv' every ::1 using 1:2 with lines lw 1.6 lc rgb '#0072B2' title 'e1: tanh', \
     'e2d.csv' every ::1 using 1:2 with lines lw 1.6 lc rgb '#D55E00' title 'e2d: batch norm, ReLU', \
     'e2d-no-decay.csv' every ::1 using 1:2 with lines lw 1.6 dt 2 lc rgb '#000000' title 'e2d without weight decay', \
     'control.csv' every ::1 using 1:2 with lines lw 1.6 lc rgb '#009E73' title 'control: near centers, AdamW'
unset logscale y
set ylabel 'root mean square of all parameters'
set yrange [0:0.16]
plot 'e1.csv' every ::1 using 1:3 with lines lw 1.6 lc rgb '#0072B2' notitle, \
     'e2d.csv' every ::1 using 1:3 with lines lw 1.6 lc rgb '#D55E00' notitle, \
     'e2d-no-decay.csv' every ::1 using 1:3 with lines lw 1.6 dt 2 lc rgb '#000000' notitle, \
     'control.csv' every ::1 using 1:3 with lines lw 1.6 lc rgb '#009E73' notitle
unset multiplot
